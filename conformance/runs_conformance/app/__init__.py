"""The application: the actions of users, and what several of them need."""
