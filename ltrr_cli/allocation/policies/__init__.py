"""The allocation policies, one small file each."""
