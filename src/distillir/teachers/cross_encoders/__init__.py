"""Teachers that read query and document together."""
