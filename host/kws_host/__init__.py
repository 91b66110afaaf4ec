"""Talks to keyword-spotting firmware over a serial port or an emulator's socket, and proves what it computes.

| Room | Modules, each built on those before |
|---|---|
| the wire | `port` (bytes), `cobs`, `frame`, `link` (requests), `audio_stream` (by credit), `device` (typed requests) |
| boards | `project` (the checkout), `emulator` (QEMU), `target` (a port or an emulated board) |
| recordings | `label_table`, `clips` (which, and their labels), `label_names`, `heard` (what one is heard as) |
| proof | `bulk` (files), `trace` (one side's results), `compare` (two sides) |
| proof at work | `checking`, `checking_boards`, `benchmark` |
| whole test sets | `evaluation` of `bulk_run`, `reference_run` and `reference_cache` |
| every day | `microphone` (options, reconnects), `heard_audio`, `takes`, `capturing`, `tuning`, `detector_settings` |
| what a board hears, live | `last_detections`, `event_log`, `keys` |
| a terminal | `plain_view` (lines), `monitor_screen` of `spectrogram` |
| the browser | `live` (a server between a board and a page) |
| tests of boards | `regression`, and `pytest_plugin`, which offers it to pytest |
| the demo | `demo_words` (its recordings, made by text-to-speech) |
| command line | `options`, `screen` (text), `report` (files), `commands`, `cli` |
"""
