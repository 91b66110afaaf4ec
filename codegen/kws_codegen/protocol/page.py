"""stub"""


def update(text):
    return text
