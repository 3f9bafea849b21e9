"""Every command of the program."""

COMMANDS = (
    (), ("scan",), ("serve",), ("agent",), ("demo",), ("call",), ("jobs",),
    ("db",), ("db", "import"), ("db", "info"),
    ("user",), ("user", "create"), ("user", "list"), ("user", "delete"),
    ("key",), ("key", "create"), ("key", "session"), ("key", "list"), ("key", "disable"),
    ("key", "enable"), ("key", "delete"),
    ("policy",), ("policy", "create"), ("policy", "list"), ("policy", "attach"),
    ("policy", "detach"),
)
