"""Mutation testing of the rules: each rule is spoilt in every way listed, and a promtool test must notice."""
