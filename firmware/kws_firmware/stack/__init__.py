"""The deepest that a stack can get, by the calls that stand in an image.

`listing` reads the disassembly, `depths` follows the stack pointer through each function, `bound` adds the functions
up, `image` says which functions stacks begin with.
"""
