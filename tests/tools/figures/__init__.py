"""The measured figures of the pages: see `pages`."""
