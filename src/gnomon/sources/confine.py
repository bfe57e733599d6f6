"""This process gives up what reading a stranger's file does not need, before it reads one.

Four fences, each of which holds without the others: the kernel's resource limits; Landlock, which
leaves only Python's own folders to be read (https://docs.kernel.org/userspace-api/landlock.html);
a seccomp filter that refuses sockets, processes and files to be written
(https://docs.kernel.org/userspace-api/seccomp_filter.html); and an audit hook that refuses the same
in Python where the kernel has neither (macOS, old kernels). None can be taken back by the process.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # the same on every machine
_LANDLOCK_VERSION_FLAG = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# How many rights on files, from bit 0 up, and on TCP each version of Landlock can take away.
_FS_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}

# By machine: AUDIT_ARCH of linux/audit.h, and numbers of asm/unistd.h.
_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED: Final[dict[str, tuple[int, ...]]] = {
    # socket socketpair connect accept sendto sendmsg bind listen accept4 sendmmsg; fork vfork clone
    # execve execveat; kill tkill tgkill ptrace process_vm_readv/writev; creat rename mkdir rmdir
    # link unlink symlink chmod fchmod chown fchown lchown truncate mknod and their *at; mount
    # umount2 pivot_root chroot setns unshare; keyctl add_key request_key bpf perf_event_open
    # userfaultfd open_by_handle_at memfd_create io_uring_setup pidfd_open pidfd_getfd
    # pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo, and setrlimit prlimit64 (root could raise
    # its limits again)
    "x86_64": (
        41, 53, 42, 43, 44, 46, 49, 50, 288, 307, 56, 57, 58, 59, 322, 62, 200, 234, 101, 310, 311,
        85, 82, 264, 316, 83, 258, 84, 86, 265, 87, 263, 88, 266, 90, 91, 268, 92, 93, 94, 260, 76,
        133, 259, 165, 166, 155, 161, 308, 272, 250, 248, 249, 321, 298, 323, 304, 319, 425, 434,
        438, 424, 129, 297, 160, 302,
    ),
    "aarch64": (
        198, 199, 203, 202, 206, 211, 200, 201, 242, 269, 220, 221, 281, 129, 130, 131, 117, 270,
        271, 38, 276, 34, 37, 35, 36, 52, 53, 54, 55, 45, 33, 40, 39, 41, 51, 268, 97, 219, 217,
        218, 280, 241, 282, 265, 279, 425, 434, 438, 424, 138, 240, 164, 261,
    ),
}  # fmt: skip
# Refused as if the kernel did not know them, so that libc falls back on what is filtered: clone3,
# openat2.
_UNKNOWN: Final = (435, 437)
# (open with its flags' argument, openat): only x86_64 still has the first.
_OPENS: Final = {"x86_64": ((2, 1), (257, 2)), "aarch64": ((56, 2),)}
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 0x00050000 | 1, 0x00050000 | 38
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06

_HOOKED = ("socket.", "subprocess.", "os.fork", "os.exec", "os.posix_spawn", "os.system", "os.kill",
           "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
           "os.chmod", "os.chown", "ctypes.dlopen", "pty.spawn", "shutil.")  # fmt: skip


def confine(*, cpu_s: int, memory_bytes: int, files: int = 64) -> tuple[str, ...]:
    """Put the fences up, for good. ``cpu_s`` seconds of CPU, ``memory_bytes`` of address space.

    The names of those that stand: "limits" and "hook" always, "landlock" and "seccomp" where the
    kernel has them.
    """
    _limit(cpu_s, memory_bytes, files)
    standing = ["limits"]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            standing += ["landlock"] if _landlock(libc, _readable()) else []
            standing += ["seccomp"] if _seccomp(libc) else []
    sys.addaudithook(_refuse)
    return (*standing, "hook")


def _limit(cpu_s: int, memory_bytes: int, files: int) -> None:
    limits = {
        resource.RLIMIT_CPU: (cpu_s, cpu_s + 1),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_NOFILE: (files, files),
        resource.RLIMIT_NPROC: (0, 0),
    }
    if sys.platform == "linux":  # macOS refuses it
        limits[resource.RLIMIT_AS] = (memory_bytes, memory_bytes)
    for which, (soft, hard) in limits.items():
        most = resource.getrlimit(which)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(which, (soft, hard))


def _readable() -> list[str]:
    """Python's own folders: what is imported late must still be found."""
    named = ("stdlib", "platstdlib", "purelib", "platlib")
    places = [sysconfig.get_path(name) for name in named] + [p for p in sys.path if p]
    places += ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo"]
    places += ["/etc/ld.so.cache", "/dev/null", "/dev/urandom"]
    real = {os.path.realpath(place) for place in places if os.path.exists(place)}
    return sorted(place for place in real if Path(place) != Path("/"))


def _landlock(libc: Any, readable: Sequence[str]) -> bool:
    version = libc.syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION_FLAG)
    if version < 1:
        return False
    rights = (1 << _FS_RIGHTS.get(version, _FS_RIGHTS[5])) - 1
    # struct landlock_ruleset_attr: rights on files, and (from version 4) on TCP: bind, connect.
    attributes = struct.pack("=QQ", rights, 3) if version >= 4 else struct.pack("=Q", rights)
    ruleset = libc.syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    for place in readable:
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
        allowed = _READ_FILE | _READ_DIR if os.path.isdir(place) else _READ_FILE
        # struct landlock_path_beneath_attr, which is packed.
        libc.syscall(_LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", allowed, opened), 0)
        os.close(opened)
    done: bool = libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return done


def _seccomp(libc: Any) -> bool:
    machine = platform.machine()
    if machine not in _ARCH or sys.maxsize < 2**32:
        return False
    code = _program(machine)
    instructions = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    program = Program(len(code) // 8, ctypes.addressof(instructions))
    done: bool = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0
    return done


def _program(machine: str) -> bytes:
    """The filter as classic BPF over struct seccomp_data: number at 0, machine at 4, the low half
    of argument i at 16 + 8i (both machines are little-endian)."""

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    out = [step(_LOAD, 4), step(_EQUAL, _ARCH[machine], 1), step(_RETURN, _KILL), step(_LOAD, 0)]
    if machine == "x86_64":  # the x32 numbers name the same calls again
        out += [step(_AT_LEAST, 0x40000000, 0, 1), step(_RETURN, _KILL)]
    for number in _REFUSED[machine]:
        out += [step(_EQUAL, number, 0, 1), step(_RETURN, _EPERM)]
    for number in _UNKNOWN:
        out += [step(_EQUAL, number, 0, 1), step(_RETURN, _ENOSYS)]
    for number, argument in _OPENS[machine]:
        out += [
            step(_EQUAL, number, 0, 4),
            step(_LOAD, 16 + 8 * argument),
            step(_ANY_BIT, _WRITING, 0, 1),
            step(_RETURN, _EPERM),
            step(_RETURN, _ALLOW),
        ]
    return b"".join([*out, step(_RETURN, _ALLOW)])


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (PEP 578): raises where Python itself is asked to do what is fenced off."""
    if event == "open":
        _, mode, flags = arguments
        writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
        if writes or (isinstance(flags, int) and flags & _WRITING):
            raise PermissionError("a parser may write no file")
    elif event.startswith(_HOOKED):
        raise PermissionError(f"a parser may not do this: {event}")
