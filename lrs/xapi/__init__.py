"""What the xAPI resources do: storing and finding statements, documents, activities, agents."""
