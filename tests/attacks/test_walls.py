"""Ways out of a box, each beside the lawful thing that looks like it."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from sandbox import MIB, BoxSpec, Mount
from sandbox.interpreter import running_interpreter_mounts

pytestmark = [pytest.mark.box, pytest.mark.usefixtures("nothing_left")]

# Tries a raw system call; prints its errno's name, or "done".
SYSCALL = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(*args):
    ctypes.set_errno(0)
    result = libc.syscall(*args)
    return "done" if result != -1 else errno.errorcode[ctypes.get_errno()]
"""


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("a user namespace", "272, 0x10000000"),
        ("a mount namespace", "272, 0x00020000"),
        ("a network namespace", "272, 0x40000000"),
        ("clone with a user namespace", "56, 0x10000011, 0, 0, 0, 0"),
        ("clone3", "435, 0, 88"),
        ("setns", "308, 0, 0"),
        ("mount", "165, b'none', b'/tmp', b'tmpfs', 0, 0"),
        ("umount", "166, b'/work', 2"),
        ("pivot_root", "155, b'/', b'/work'"),
        ("chroot", "161, b'/work'"),
        ("open_tree", "428, -100, b'/', 1"),
        ("fsopen", "430, b'tmpfs', 0"),
        ("ptrace", "101, 16, 1, 0, 0"),
        ("process_vm_readv", "310, 1, 0, 0, 0, 0, 0"),
        ("bpf", "321, 0, 0, 0"),
        ("perf_event_open", "298, 0, 0, -1, -1, 0"),
        ("userfaultfd", "323, 0"),
        ("io_uring", "425, 8, ctypes.create_string_buffer(120)"),
        ("keyctl", "250, 0, -3, 1"),
        ("add_key", "248, b'user', b'x', b'y', 1, -3"),
        ("kexec", "246, 0, 0, 0, 0"),
        ("a module", "175, 0, 0, b''"),
        ("reboot", "169, 0xfee1dead, 672274793, 0, 0"),
        ("sethostname", "170, b'x', 1"),
        ("open_by_handle_at", "304, 0, 0, 0"),
        ("pidfd_getfd", "438, 0, 0, 0"),
        ("System V memory", "29, 0, 4096, 0o1600"),
    ],
)
def test_the_kernel_refuses(run, what, call):
    said = run(f"{SYSCALL}\nprint(call({call}))").out.strip()
    assert said in {"EPERM", "ENOSYS"}, f"{what}: {said}"


def test_ordinary_calls_work(run):
    ended = run(
        f"{SYSCALL}\nprint(call(39)); import threading, subprocess; print(subprocess.run(['/bin/true']).returncode)"
    )
    assert ended.out == "done\n0\n"


# packet, vsock, alg, bluetooth, can, xdp; some Pythons lack the names
@pytest.mark.parametrize("family", [17, 40, 38, 31, 29, 44])
def test_strange_sockets_are_refused(run, family):
    code = f"import socket\ntry: socket.socket({family}, socket.SOCK_STREAM)\nexcept OSError as e: print(e.errno)"
    assert run(code).out == "97\n"


def test_loopback_works_and_nothing_beyond_it(run):
    code = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
print("loopback", socket.gethostbyname(socket.gethostname()), [name for _, name in socket.if_nameindex()])
for address in ("192.0.2.1", "10.0.0.1", "169.254.169.254"):
    try:
        socket.create_connection((address, 80), timeout=2)
        print("connected", address)
    except OSError as error:
        print(error.errno)
try:
    socket.getaddrinfo("example.org", 80)
except socket.gaierror:
    print("no names")
"""
    assert run(code).out == "loopback 127.0.0.1 ['lo']\n101\n101\n101\nno names\n"


def test_the_hosts_own_sockets_are_out_of_reach(run, tmp_path):
    code = """
import socket
for path in {paths!r}:
    try:
        socket.socket(socket.AF_UNIX if isinstance(path, str) else socket.AF_INET).connect(path)
        print("connected")
    except OSError as error:
        print(type(error).__name__)
"""
    abstract = f"\0rankzero-test-{os.getpid()}"
    with (
        socket.socket(socket.AF_UNIX) as hidden,
        socket.socket(socket.AF_UNIX) as named,
        socket.create_server(("127.0.0.1", 0)) as tcp,
    ):
        for server, name in ((hidden, abstract), (named, str(tmp_path / "s"))):
            server.bind(name)
            server.listen()
        with socket.socket(socket.AF_UNIX) as outside:
            outside.connect(abstract)  # the control: out here it answers
        said = run(code.format(paths=[abstract, str(tmp_path / "s"), tcp.getsockname()])).out
    assert said == "ConnectionRefusedError\nFileNotFoundError\nConnectionRefusedError\n"


def test_host_files_are_not_there(run):
    secret = Path(__file__).resolve()
    hidden = ["/etc/shadow", "/etc/hostname.host", "/home", "/var", "/run", "/sys/kernel", "/boot", "/srv", str(secret)]
    ended = run(f"import os\nprint([p for p in {hidden!r} if os.path.exists(p)])\nprint(sorted(os.listdir('/etc')))")
    names = "'group', 'hostname', 'hosts', 'ld.so.cache', 'nsswitch.conf', 'passwd'"
    assert ended.out.splitlines()[0] == "[]"
    assert ended.out.splitlines()[1].replace("'alternatives', ", "") == f"[{names}]"


def test_of_the_way_to_a_mount_only_the_way_is_there(run):
    """A mount at a deep path shows neither its neighbours nor its parents' contents."""
    repository = Path(sys.prefix).parent
    ended = run(f"import os; print(sorted(os.listdir({str(repository)!r})))")
    assert ended.out == f"{[Path(sys.prefix).name]}\n"


def test_a_mount_is_shown_and_read_only(run, tmp_path):
    tmp_path.chmod(0o755)  # the box is another user than root, who runs these tests in CI
    (tmp_path / "data.txt").write_text("42")
    mounts = (*running_interpreter_mounts(), Mount(source=tmp_path, target="/assets/x"))
    code = "print(open('/assets/x/data.txt').read())\nopen('/assets/x/data.txt', 'w')"
    ended = run(code, mounts=mounts)
    assert ended.out == "42\n"
    assert "Read-only file system" in ended.err or "Permission denied" in ended.err
    assert (tmp_path / "data.txt").read_text() == "42"


def test_only_three_places_can_be_written(run):
    code = """
import os
writable = []
for folder, below, _ in os.walk("/"):
    if folder in ("/proc", "/usr", "/work", "/tmp", "/dev/shm") or folder.count("/") > 4:
        below.clear()
    try:
        open(os.path.join(folder, ".probe"), "w").close()
        writable.append(folder)
    except OSError:
        pass
print(sorted(writable))
"""
    assert run(code).out == "['/dev/shm', '/tmp', '/work']\n"


@pytest.mark.parametrize(
    "path", ["/usr/bin/python-new", "/etc/passwd", "/dev/new", "/proc/sys/kernel/hostname", "/new", sys.prefix + "/new"]
)
def test_read_only_places_stay_so(run, path):
    ended = run(f"open({path!r}, 'w')")
    assert not ended.ok
    assert any(word in ended.err for word in ("Read-only", "Permission denied", "not permitted"))


def test_devices_cannot_be_made(run):
    code = "import os, stat\nos.mkfifo('/tmp/f'); print('fifo')\nos.mknod('/tmp/d', stat.S_IFBLK, os.makedev(8, 0))"
    ended = run(code)
    assert ended.out == "fifo\n"
    assert "PermissionError" in ended.err


def test_it_is_nobody(run):
    code = """
import os
print(os.getresuid(), os.getresgid(), os.getgroups())
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
print({status[name].strip() for name in sets}, status["NoNewPrivs"].strip())
try: os.setuid(0)
except OSError as error: print(error.errno)
"""
    zeros = "{'0000000000000000'} 1"
    assert run(code).out == f"(10001, 10001, 10001) (10001, 10001, 10001) []\n{zeros}\n22\n"


def test_a_setuid_program_gains_nothing(run):
    code = (
        "import os\nprint(oct(os.stat('/usr/bin/su').st_mode), flush=True)\nos.execv('/usr/bin/su', ['su', '-c', 'id'])"
    )
    ended = run(code)
    assert ended.out == "0o104755\n"
    assert not ended.ok


@pytest.mark.skipif(os.geteuid() != 0, reason="says what root's boxes become")
def test_started_by_root_it_is_not_root_outside(backend):
    process = backend.prepare(BoxSpec()).start(["/bin/sleep", "20.0625"])
    try:
        deadline = time.monotonic() + 10
        while not (uids := uids_of_sleepers()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert uids == {"10001"}
    finally:
        process.close()


def uids_of_sleepers() -> set[str]:
    """The real user ids of the processes that sleep for just that long and are filtered: the box's."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text, command = status.read_text(), (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if command == b"/bin/sleep\x0020.0625\0" and "\nSeccomp:\t2" in text:
            found |= {line.split()[1] for line in text.splitlines() if line.startswith("Uid:")}
    return found


def test_the_hosts_environment_is_unseen(run, monkeypatch):
    monkeypatch.setenv("RANKZERO_TEST_SECRET", "s3cret-value")
    code = """
import glob, os
seen = " ".join(f"{k}={v}" for k, v in os.environ.items())
for name in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    seen += open(name, "rb").read().decode(errors="replace")
print("s3cret-" + "value" in seen, sorted(os.environ))
"""
    assert run(code, env={"ONLY": "this"}).out == "False ['HOME', 'LANG', 'ONLY', 'PATH', 'PWD', 'TMPDIR']\n"


def test_other_processes_are_unseen_and_unreachable(run):
    code = """
import os
pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
print(len(pids) <= 3, os.getpid() in pids)
for pid in ({outside}, 1):
    try:
        os.kill(pid, 9)
        print("sent")
    except OSError as error:
        print(type(error).__name__)
print("still here")
"""
    # Its own pid 1 takes no signal from inside; ours does not exist in there.
    outside = os.getpid() if os.getpid() > 100 else 4_000_000
    assert run(code.format(outside=outside)).out == "True True\nProcessLookupError\nsent\nstill here\n"


def test_it_has_four_descriptors(run):
    code = """
import os
held = {}
for name in sorted(os.listdir("/proc/self/fd"), key=int):
    try: held[int(name)] = os.readlink(f"/proc/self/fd/{name}").split(":")[0]
    except FileNotFoundError: pass
print(held)
of_pid_1 = {os.readlink(f"/proc/1/fd/{n}").split(":")[0] for n in os.listdir("/proc/1/fd")}
print(of_pid_1 <= {"pipe", "socket", "anon_inode", "/dev/null"})
"""
    assert run(code).out == "{0: 'pipe', 1: 'pipe', 2: 'pipe', 3: 'socket'}\nTrue\n"


def test_many_input_files_leave_no_descriptor(run):
    files = {f"d{n}/f{n}.txt": b"x" * n for n in range(200)}
    code = "import glob, os; print(len(glob.glob('d*/*')), os.listdir('/proc/self/fd'), os.stat('d7/f7.txt').st_size)"
    assert run(code, files=files).out == "200 ['0', '1', '2', '3', '4'] 7\n"


def test_its_standard_streams_can_be_opened_again(run):
    assert run("open('/dev/stdout', 'w').write('again\\n')").out == "again\n"


def test_the_lessons_tools_run(run):
    """What a filter easily breaks: process pools, shared memory, threads, subprocesses, file locks."""
    code = """
import fcntl, multiprocessing, multiprocessing.shared_memory, subprocess, tempfile, threading
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(abs, [-1, -2]))
block = multiprocessing.shared_memory.SharedMemory(create=True, size=100)
block.close(); block.unlink()
thread = threading.Thread(target=print, args=("thread",)); thread.start(); thread.join()
print(subprocess.run(["uname", "-n"], capture_output=True, text=True).stdout.strip())
with tempfile.TemporaryFile() as file:
    fcntl.flock(file, fcntl.LOCK_EX)
"""
    ended = run(code, hostname="learner-7", memory_bytes=256 * MIB)
    assert ended.out == "[1, 2]\nthread\nlearner-7\n"
    assert ended.err == ""
