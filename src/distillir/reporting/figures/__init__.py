"""The report's figures, one file each: numbers in, a `Figure` out."""
