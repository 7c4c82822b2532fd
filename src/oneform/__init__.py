"""Oneform: ordinary Python compiled to native code, together with any derivative of it."""
