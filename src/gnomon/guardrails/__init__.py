"""What the owner forbids pictures to show: one readable policy, applied before and after."""
