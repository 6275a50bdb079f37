"""Documents kept: a dense student whose queries are trained alone, against document vectors that stay."""
