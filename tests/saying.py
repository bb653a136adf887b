"""How a check begins what it says."""

NOT_YET, RIGHT, UNANSWERED = "✗ Not yet.", "✓ Right.", "○ Not answered yet"
