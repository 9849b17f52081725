"""Providers: who answers questions. One SDK has one file, which imports it when it is needed."""
