"""Policies that other libraries trained, read without unpickling and written as one file with a contract."""
