"""What stands behind the pytest plugin: boards for tests, and recordings that must be heard as they should."""
