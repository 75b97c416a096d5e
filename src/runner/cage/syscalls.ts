// Linux system calls that a runner has no use for, by processor: [x86-64, arm64] (undefined: that processor has none).
// Numbers from the kernel's syscall_64.tbl and include/uapi/asm-generic/unistd.h; from 424 on they are the same.

type Numbers = readonly [x64: number | undefined, arm64: number | undefined];

/** Refused with EPERM. */
export const REFUSED: Readonly<Record<string, Numbers>> = {
  // The network. What arrives over the channel that is already open still passes.
  socket: [41, 198],
  socketpair: [53, 199],
  connect: [42, 203],
  bind: [49, 200],
  listen: [50, 201],
  accept: [43, 202],
  accept4: [288, 242],
  // Other programs and processes
  execve: [59, 221],
  execveat: [322, 281],
  fork: [57, undefined],
  vfork: [58, undefined],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  kcmp: [312, 272],
  tkill: [200, 130],
  rt_sigqueueinfo: [129, 138],
  rt_tgsigqueueinfo: [297, 240],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
  pidfd_send_signal: [424, 424],
  move_pages: [279, 239],
  migrate_pages: [256, 238],
  // Namespaces and mounts
  unshare: [272, 97],
  setns: [308, 268],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  // Who we are, and what files are: Landlock does not watch over these
  setuid: [105, 146],
  setgid: [106, 144],
  setreuid: [113, 145],
  setregid: [114, 143],
  setresuid: [117, 147],
  setresgid: [119, 149],
  setfsuid: [122, 151],
  setfsgid: [123, 152],
  setgroups: [116, 159],
  capset: [126, 91],
  chmod: [90, undefined],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  chown: [92, undefined],
  fchown: [93, 55],
  lchown: [94, undefined],
  fchownat: [260, 54],
  setxattr: [188, 5],
  lsetxattr: [189, 6],
  fsetxattr: [190, 7],
  removexattr: [197, 14],
  lremovexattr: [198, 15],
  fremovexattr: [199, 16],
  setxattrat: [463, 463],
  removexattrat: [466, 466],
  file_setattr: [469, 469],
  mknod: [133, undefined],
  mknodat: [259, 33],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  // The kernel and the machine
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  syslog: [103, 116],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  personality: [135, 92],
  vhangup: [153, 58],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  modify_ldt: [154, undefined],
};

/** Refused as if the kernel had none (ENOSYS), so that callers take the older way, which the filter can judge. */
export const ABSENT: Readonly<Record<string, Numbers>> = {
  // Its flags lie in memory, where no filter can look; libc falls back to clone.
  clone3: [435, 435],
  // Does by itself what is refused above, sockets included.
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
};

/** Allowed only for threads of this process. */
export const CLONE: Numbers = [56, 220];
/** Allowed only towards this process: the runtime stops its own threads by signal, abort() raises one, libc asks limits. */
export const SELF_ONLY: Readonly<Record<string, Numbers>> = {
  kill: [62, 129],
  tgkill: [234, 131],
  prlimit64: [302, 261],
};

export const SECCOMP: Numbers = [317, 277];
export const LANDLOCK_CREATE_RULESET = 444;
export const LANDLOCK_ADD_RULE = 445;
export const LANDLOCK_RESTRICT_SELF = 446;

export type Processor = "x64" | "arm64";

export function numberFor(numbers: Numbers, processor: Processor): number | undefined {
  return processor === "x64" ? numbers[0] : numbers[1];
}
