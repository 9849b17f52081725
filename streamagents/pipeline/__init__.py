"""The pipeline: pure decisions about events. Values in, values out; the runtime acts on them."""
