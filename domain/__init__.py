"""The words: values and pure functions that every plane speaks. Standard library only."""
