"""What can be typed after each command: its options, what they may be, and their help. Imports nothing heavy."""
