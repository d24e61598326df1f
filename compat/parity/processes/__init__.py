"""Sides that run in a process of their own.

wire      cases and arrays as JSON and .npz
worker    what runs in the process
client    the process as a Side
"""
