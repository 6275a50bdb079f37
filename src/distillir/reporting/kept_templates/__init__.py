"""The template of the section on kept documents."""
