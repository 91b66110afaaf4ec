"""What host and firmware say to each other, as one table: `messages`. ``host/PROTOCOL.md`` is the specification."""
