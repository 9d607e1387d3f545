"""The task-independent parts of a bundle: files, manifest sections, engine outputs."""
