"""The x86-64 system calls of a box: which are allowed, and which are refused by name and why.

Anything that neither table names answers ENOSYS, as on an older kernel, so that programs fall back.
Numbers are those of the kernel's syscall_64.tbl; they never change.
"""

from __future__ import annotations


def _table(text: str) -> dict[str, int]:
    pairs = (item.split("=") for item in text.split())
    return {name: int(number) for name, number in pairs}


ALLOWED: dict[str, dict[str, int]] = {
    "files and folders": _table("""
        read=0 write=1 open=2 close=3 stat=4 fstat=5 lstat=6 lseek=8 pread64=17 pwrite64=18 readv=19 writev=20
        preadv=295 pwritev=296 preadv2=327 pwritev2=328 access=21 faccessat=269 faccessat2=439 dup=32 dup2=33
        dup3=292 fcntl=72 flock=73 fsync=74 fdatasync=75 sync=162 syncfs=306 sync_file_range=277 truncate=76
        ftruncate=77 fallocate=285 fadvise64=221 readahead=187 getdents=78 getdents64=217 getcwd=79 chdir=80
        fchdir=81 rename=82 renameat=264 renameat2=316 mkdir=83 mkdirat=258 rmdir=84 creat=85 link=86 linkat=265
        unlink=87 unlinkat=263 symlink=88 symlinkat=266 readlink=89 readlinkat=267 chmod=90 fchmod=91 fchmodat=268
        fchmodat2=452 chown=92 fchown=93 lchown=94 fchownat=260 umask=95 mknod=133 mknodat=259 utime=132 utimes=235
        utimensat=280 futimesat=261 statfs=137 fstatfs=138 openat=257 openat2=437 newfstatat=262 statx=332
        getxattr=191 lgetxattr=192 fgetxattr=193 listxattr=194 llistxattr=195 flistxattr=196 setxattr=188
        lsetxattr=189 fsetxattr=190 removexattr=197 lremovexattr=198 fremovexattr=199 copy_file_range=326
        sendfile=40 splice=275 tee=276 close_range=436 inotify_init=253 inotify_init1=294 inotify_add_watch=254
        inotify_rm_watch=255
    """),
    "memory": _table("""
        mmap=9 mprotect=10 munmap=11 brk=12 mremap=25 msync=26 mincore=27 madvise=28 mlock=149 munlock=150
        mlockall=151 munlockall=152 mlock2=325 mbind=237 set_mempolicy=238 get_mempolicy=239
        set_mempolicy_home_node=450 pkey_mprotect=329 pkey_alloc=330 pkey_free=331 membarrier=324
        map_shadow_stack=453
    """),
    "processes and threads": _table("""
        fork=57 vfork=58 execve=59 execveat=322 exit=60 exit_group=231 wait4=61 waitid=247 getpid=39 getppid=110
        gettid=186 getpgid=121 setpgid=109 getpgrp=111 getsid=124 setsid=112 getuid=102 geteuid=107 getgid=104
        getegid=108 getresuid=118 getresgid=120 getgroups=115 setuid=105 setgid=106 setreuid=113 setregid=114
        setresuid=117 setresgid=119 setgroups=116 setfsuid=122 setfsgid=123 capget=125 capset=126 prctl=157
        arch_prctl=158 set_tid_address=218 set_robust_list=273 get_robust_list=274 futex=202 futex_waitv=449
        futex_wake=454 futex_wait=455 futex_requeue=456 rseq=334 sched_yield=24 sched_getaffinity=204
        sched_getparam=143 sched_setparam=142 sched_getscheduler=145 sched_setscheduler=144
        sched_get_priority_max=146 sched_get_priority_min=147 sched_rr_get_interval=148 sched_getattr=315
        sched_setattr=314 getpriority=140 setpriority=141 ioprio_get=252 ioprio_set=251 getrlimit=97 setrlimit=160
        prlimit64=302 getrusage=98 times=100 getcpu=309 pidfd_open=434 pidfd_send_signal=424 set_thread_area=205
        get_thread_area=211 restart_syscall=219 seccomp=317 landlock_create_ruleset=444 landlock_add_rule=445
        landlock_restrict_self=446
    """),
    "signals": _table("""
        rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 rt_sigpending=127 rt_sigtimedwait=128 rt_sigqueueinfo=129
        rt_tgsigqueueinfo=297 rt_sigsuspend=130 sigaltstack=131 kill=62 tkill=200 tgkill=234 pause=34 signalfd=282
        signalfd4=289
    """),
    "time": _table("""
        nanosleep=35 clock_nanosleep=230 clock_gettime=228 clock_getres=229 gettimeofday=96 time=201 getitimer=36
        setitimer=38 alarm=37 timer_create=222 timer_settime=223 timer_gettime=224 timer_getoverrun=225
        timer_delete=226 timerfd_create=283 timerfd_settime=286 timerfd_gettime=287
    """),
    "pipes, sockets and waiting": _table("""
        pipe=22 pipe2=293 poll=7 ppoll=271 select=23 pselect6=270 epoll_create=213 epoll_create1=291 epoll_ctl=233
        epoll_wait=232 epoll_pwait=281 epoll_pwait2=441 eventfd=284 eventfd2=290 connect=42 accept=43 accept4=288
        sendto=44 recvfrom=45 sendmsg=46 recvmsg=47 sendmmsg=307 recvmmsg=299 shutdown=48 bind=49 listen=50
        getsockname=51 getpeername=52 setsockopt=54 getsockopt=55
    """),
    "the machine": _table("""
        uname=63 sysinfo=99 getrandom=318
    """),
}

# Refused with EPERM: why, and which.
REFUSED: dict[str, dict[str, int]] = {
    "changes what the box sees of the file system": _table("""
        mount=165 umount2=166 pivot_root=155 chroot=161 open_tree=428 move_mount=429 fsopen=430 fsconfig=431
        fsmount=432 fspick=433 mount_setattr=442
    """),
    "makes or enters namespaces, and with them fresh kernel surface": _table("""
        unshare=272 setns=308
    """),
    "reaches into another process": _table("""
        ptrace=101 process_vm_readv=310 process_vm_writev=311 kcmp=312 pidfd_getfd=438 process_madvise=440
        process_mrelease=448
    """),
    "long records of kernel holes; nothing that a lesson runs needs them": _table("""
        bpf=321 perf_event_open=298 userfaultfd=323
    """),
    "keyrings are not namespaced: boxes of one user would share them": _table("""
        keyctl=250 add_key=248 request_key=249
    """),
    "the core set is the launcher's: this refusal is what holds it": _table("""
        sched_setaffinity=203
    """),
    "the machine's own affairs": _table("""
        init_module=175 finit_module=313 delete_module=176 kexec_load=246 kexec_file_load=320 reboot=169 swapon=167
        swapoff=168 acct=163 quotactl=179 quotactl_fd=443 iopl=172 ioperm=173 modify_ldt=154 syslog=103
        settimeofday=164 clock_settime=227 clock_adjtime=305 adjtimex=159 sethostname=170 setdomainname=171
        vhangup=153
    """),
    "opens files past the mounts": _table("""
        open_by_handle_at=304 name_to_handle_at=303
    """),
    "watches file access of others": _table("""
        fanotify_init=300 fanotify_mark=301
    """),
    "memory tricks that only attacks use here": _table("""
        vmsplice=278 remap_file_pages=216 memfd_secret=447 move_pages=279 migrate_pages=256
    """),
}

# What a template needs on top to make a box out of a copy of itself; the box itself gets the tables above.
NESTING: dict[str, int] = _table("""
    clone=56 unshare=272 mount=165 umount2=166 pivot_root=155 move_mount=429 mount_setattr=442 sethostname=170
    sched_setaffinity=203
""")

# Decided by their arguments in seccomp.py.
KEYCTL = 250
CLONE, CLONE3, SOCKET, SOCKETPAIR, IOCTL, PERSONALITY = 56, 435, 41, 53, 16, 135
# Memory that no process has mapped: allowed only where a cgroup counts it.
MEMFD_CREATE = 319
