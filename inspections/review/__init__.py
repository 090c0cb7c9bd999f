"""Review: what a person looks at next, who holds it, and what they said."""
