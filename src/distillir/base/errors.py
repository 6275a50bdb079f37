"""The one exception a user meets: what is wrong, where, and how to mend it, on one line."""


class DistillirError(Exception):
    """A mistake in the input, said in one line.

    The command line prints ``str(error)`` and exits with code 2; nothing else of it is shown.

    Args:
        what: What is wrong.
        where: The file (``path`` or ``path:line``), recipe key or object it concerns.
        remedy: How to mend it.
    """

    def __init__(self, what: str, *, where: object = None, remedy: str | None = None) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        text = f"{where}: {what}" if where is not None else what
        if remedy:
            text = f"{text}; {remedy}"
        super().__init__(" ".join(text.split()))
