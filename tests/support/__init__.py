"""What the suites share: the program under test, its management, signers and images' stand-ins."""
