"""The parts of the documents that are written from the code: `python -m tools.reference`."""
