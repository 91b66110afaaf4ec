"""What the kit's three command line tools share."""
