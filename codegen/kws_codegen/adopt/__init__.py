"""Other people's models, made into what a bundle holds: external states, int8 ends, features as rows."""
