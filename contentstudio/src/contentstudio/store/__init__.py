"""The application's tables, one repository for each family."""
