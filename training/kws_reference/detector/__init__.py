"""From scores to detections."""
