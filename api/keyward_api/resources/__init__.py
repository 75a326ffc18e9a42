"""The kinds of group keyward.dev as pydantic models: the source of the CRDs and of every parse."""
