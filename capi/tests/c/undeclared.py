"""Calls the library through ctypes without declaring argument and result types, as many scripts do.

ctypes then truncates every result and every integer argument to 32 bits.
"""

import ctypes
import os
import sys

psapi = ctypes.CDLL(sys.argv[1])
handle = psapi.OpenProcess(0x0410, False, os.getpid())
assert handle, psapi.GetLastError()
counters = (ctypes.c_uint64 * 9)()
for process in handle, psapi.GetCurrentProcess():
    assert psapi.GetProcessMemoryInfo(process, ctypes.byref(counters), 72), psapi.GetLastError()
    assert counters[2] > 1 << 20, counters[2]
    needed = ctypes.c_uint32()
    assert psapi.EnumProcessModules(process, None, 0, ctypes.byref(needed)), psapi.GetLastError()
assert psapi.CloseHandle(handle), psapi.GetLastError()
assert not psapi.CloseHandle(handle), "the handle is still open"
