"""No byte of an earlier run reaches a later box of the same template: a secret is planted in every place that there is,
and the next box's whole memory, files and sockets are searched for it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warm_boxes import WarmBoxes, little_boxes

# Said in two halves, so that whoever searches does not find the search itself.
PLANT = """
import ctypes, os, random, socket, sys
secret = sys.argv[1][:32] + sys.argv[1][33:]
kept = [secret.encode() * 50 for _ in range(2000)]
os.SECRET = sys.modules['json'].SECRET = secret
os.environ['SECRET_' + secret] = secret
ctypes.CDLL(None).setenv(b'C_SECRET', secret.encode(), 1)
for folder in ('/work', '/tmp', '/dev/shm'):
    with open(f'{folder}/{secret}', 'w') as file:
        file.write(secret * 100)
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(0x52414E4B, 4096, 0o1666)
if segment >= 0:
    ctypes.memmove(libc.shmat(segment, None, 0), secret.encode(), len(secret))
listener = socket.socket(socket.AF_UNIX)
listener.bind('\\0' + secret)
listener.listen()
libc.syscall(248, b'user', secret.encode(), secret.encode(), len(secret), -3)
libc.prctl(15, secret[:15].encode())
random.seed(secret)
if 'numpy' in sys.modules:
    import numpy
    numpy.random.seed(7)
    held = numpy.frombuffer((secret * 1000).encode(), dtype='u1').copy()
if 'torch' in sys.modules:
    import torch
    torch.manual_seed(7)
    tensor = torch.frombuffer(bytearray((secret * 1000).encode()), dtype=torch.uint8)
import logging, tempfile, atexit, threading, multiprocessing.util
logging.getLogger(secret).warning('logged %s', secret)
tempfile.tempdir = '/tmp/' + secret
atexit.register(print, secret)
sys.path.append(secret)
print('planted', sys.stdin.read()[:3])
"""

SEARCH = """
import os, sys
halves = sys.argv[1].split('-')
def found_in(data, wanted):
    return data.find(wanted) >= 0
def wanted():
    # Made for each comparison and forgotten: a copy that stays would be found.
    return bytearray(halves[0].encode()) + halves[1].encode()
own = 'plant' in sys.argv
if own:
    planted = halves[0] + halves[1]
places, looked = [], 0
with open('/proc/self/maps') as maps:
    regions = [line.split() for line in maps]
memory = os.open('/proc/self/mem', os.O_RDONLY)
probe = wanted()
for region in regions:
    if region[1][0] != 'r' or region[-1] in ('[vvar]', '[vsyscall]', '[vvar_vclock]'):
        continue
    start, end = (int(part, 16) for part in region[0].split('-'))
    position = start
    while position < end:
        try:
            block = os.pread(memory, min(1 << 22, end - position), position)
        except OSError:
            break
        at = block.find(probe)
        while at >= 0:
            places.append(position + at)
            at = block.find(probe, at + 1)
        looked += len(block)
        position += max(len(block), 1)
        del block
text = probe.decode()
for folder, _, names in os.walk('/'):
    if folder.startswith(('/proc', '/usr', '/sys', '/opt', '/work/main', '/root')):
        continue
    for name in names:
        if text in name:
            places.append(f'{folder}/{name}')
for path in ('/proc/net/unix', '/proc/sysvipc/shm', '/proc/self/environ', '/proc/1/environ', '/proc/self/cmdline',
             '/proc/1/cmdline', '/proc/keys', '/proc/self/auxv', '/proc/1/comm', '/proc/mounts'):
    try:
        data = open(path, 'rb').read()
    except OSError:
        continue
    if probe in data and path != '/proc/self/cmdline':
        places.append(path)
import ctypes
if ctypes.CDLL(None).shmget(0x52414E4B, 4096, 0o666) >= 0:
    places.append('shared memory')
for attribute in (os, sys.modules.get('json')):
    if hasattr(attribute, 'SECRET'):
        places.append('module')
# Blocks that were read, and the probe, lie in this process's own memory: what is counted is what is more than those.
print(looked >> 20, len(places), places[:20])
"""


@pytest.fixture(scope="module")
def boxes() -> Iterator[WarmBoxes]:
    made = little_boxes()
    yield made
    made.close()


def search(boxes: WarmBoxes, secret: str, *more: str) -> tuple[int, int, str]:
    said = boxes.warm(["-c", SEARCH, f"{secret[:32]}-{secret[32:]}", *more], memory_bytes=1 << 30)
    assert said.outcome.exit_code == 0, said
    looked, found, places = said.out.split(" ", 2)
    return int(looked), int(found), places


def plant(boxes: WarmBoxes, secret: str) -> None:
    said = boxes.warm(
        ["-c", PLANT, f"{secret[:32]}-{secret[32:]}"],
        stdin=secret.encode() * 100,
        files={f"{secret}.txt": secret.encode() * 1000},
        env={},
        memory_bytes=1 << 30,
    )
    assert said.out.startswith("planted"), said


def test_a_secret_of_one_run_is_nowhere_in_the_next(boxes):
    secret = secrets.token_hex(32)
    _, alone, places = search(boxes, secrets.token_hex(32))
    assert alone <= 3, f"what the search finds of its own probe: {places}"
    for _ in range(2):
        plant(boxes, secret)
    looked, found, places = search(boxes, secret)
    assert looked > 20, "the search read too little memory to show anything"
    assert found <= alone, f"found at {places}"


def test_control_the_search_finds_what_its_own_run_holds(boxes):
    secret = secrets.token_hex(32)
    _, without, _ = search(boxes, secret)
    _, with_plant, _ = search(boxes, secret, "plant")
    assert with_plant > without


def test_the_template_itself_never_holds_it(boxes):
    """Its memory, read from outside after many runs, is what every later box would be a copy of."""
    secret = secrets.token_hex(32)
    for _ in range(3):
        plant(boxes, secret)
    template = next(iter(boxes.keeper._templates.values()))
    pids = template._monitor._account.members()
    read = [memory_of(pid, secret.encode()) for pid in pids]
    assert sum(size for size, _ in read) > 5 << 20, "too little memory was read to show anything"
    assert not any(found for _, found in read)


def memory_of(pid: int, wanted: bytes) -> tuple[int, bool]:
    size, found = 0, False
    regions = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for region in regions:
            start, end = (int(part, 16) for part in region[0].split("-"))
            if region[1][0] != "r" or region[-1].startswith("[v"):
                continue
            memory.seek(start)
            try:
                data = memory.read(end - start)
            except OSError:
                continue
            size += len(data)
            found = found or wanted in data
    return size, found


DRAWS = """
import json, os, random, secrets, ssl, sys, tempfile, uuid, multiprocessing
draws = {
    'random': random.random(), 'secrets': secrets.token_hex(8), 'uuid': str(uuid.uuid4()),
    'ssl': ssl.RAND_bytes(8).hex(),
    'ssl_private': ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) and ssl.RAND_bytes(8).hex(), 'urandom': os.urandom(8).hex(),
    'names': next(tempfile._get_candidate_names()), 'authkey': multiprocessing.current_process().authkey.hex(),
    'system': random.SystemRandom().random(),
}
print(json.dumps(draws))
"""


def test_no_two_boxes_draw_alike(boxes):
    drawn = [json.loads(boxes.warm(["-c", DRAWS]).out) for _ in range(4)]
    for name in drawn[0]:
        assert len({each[name] for each in drawn}) == len(drawn), f"{name} repeats: {drawn}"


def test_control_a_seeded_program_draws_the_same_in_every_box(boxes):
    code = "import random; random.seed(3); print(random.random())"
    assert len({boxes.warm(["-c", code]).out for _ in range(3)}) == 1
