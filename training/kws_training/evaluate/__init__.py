"""How well a model hears: on clips, and in long recordings."""
