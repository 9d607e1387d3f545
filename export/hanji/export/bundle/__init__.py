"""What every bundle consists of, whatever its task: files, manifest parts, outputs of its engines."""
