"""Words from text-to-speech programs as training clips: voices, what is close to a word, whole tasks."""
