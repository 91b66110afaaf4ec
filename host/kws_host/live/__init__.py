"""The server behind the page: a board on one side, a browser's WebSocket on the other (host/LIVE.md).

| Module | What |
|---|---|
| `wire` | the WebSocket's messages: the serial protocol's own, and what a serial port has no words for |
| `board` | a board that hears audio as it comes, in a thread of its own, and comes back after it was gone |
| `session` | one page's conversation with it |
| `guard` | who may ask: this machine's own page, and nobody else |
| `connections` | TCP connections that say nothing, take nothing or are too many |
| `server` | all of them behind one loopback port |
"""
