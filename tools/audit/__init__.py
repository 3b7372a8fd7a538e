"""The audit of the field: public implementations of the catalogue's losses, judged one by one."""
