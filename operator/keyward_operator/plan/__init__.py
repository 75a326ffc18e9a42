"""From what was observed to what shall be: pure functions of values and a clock."""
