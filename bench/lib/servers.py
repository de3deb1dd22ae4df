"""What the benches share: a server process that fio runs against, and what machine both were on."""
import json, os, pathlib, re, shutil, signal, socket, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SPAN = 512 << 20
SPAN_FDB = 256 << 20
WARM_UP_SECONDS = 24
TICKS = os.sysconf("SC_CLK_TCK")
LISTEN = "--listen 127.0.0.1:{port} --listen unix:{socket}"
OURS = {"memory": "memory:", "rocksdb": "rocksdb:{dir}/store", "fdb": "fdb:{dir}/cluster/fdb.cluster"}

# name, fio arguments, whether it is one of those that matter most
ROWS = [
    ("write 1 MiB, depth 1", "--rw=write --bs=1m --iodepth=1", False),
    ("write 1 MiB, depth 8", "--rw=write --bs=1m --iodepth=8", True),
    ("read 1 MiB, depth 1", "--rw=read --bs=1m --iodepth=1", False),
    ("read 1 MiB, depth 8", "--rw=read --bs=1m --iodepth=8", True),
    ("randwrite 4 KiB, depth 1", "--rw=randwrite --bs=4k --iodepth=1", True),
    ("randwrite 4 KiB, depth 32", "--rw=randwrite --bs=4k --iodepth=32", True),
    ("randwrite 4 KiB, depth 128", "--rw=randwrite --bs=4k --iodepth=128", False),
    ("randread 4 KiB, depth 1", "--rw=randread --bs=4k --iodepth=1", True),
    ("randread 4 KiB, depth 32", "--rw=randread --bs=4k --iodepth=32", True),
    ("randread 4 KiB, depth 128", "--rw=randread --bs=4k --iodepth=128", False),
    ("70/30 4 KiB, depth 1", "--rw=randrw --rwmixread=70 --bs=4k --iodepth=1", False),
    ("70/30 4 KiB, depth 32", "--rw=randrw --rwmixread=70 --bs=4k --iodepth=32", False),
    ("70/30 4 KiB, depth 128", "--rw=randrw --rwmixread=70 --bs=4k --iodepth=128", False),
    ("randwrite 4 KiB, depth 16, fsync every 16", "--rw=randwrite --bs=4k --iodepth=16 --fsync=16", True),
    ("randwrite 4 KiB, 2 connections of depth 16", "--rw=randwrite --bs=4k --iodepth=16 --numjobs=2", False),
    ("randwrite 4 KiB, 4 connections of depth 8", "--rw=randwrite --bs=4k --iodepth=8 --numjobs=4", False),
    ("first write 1 MiB, depth 8", "--rw=write --bs=1m --iodepth=8", False),
    ("write 1 MiB, depth 8, half compressible",
     "--rw=write --bs=1m --iodepth=8 --buffer_compress_percentage=50", False),
    ("randread 4 KiB, depth 1, unix socket", "--rw=randread --bs=4k --iodepth=1", False),
    ("randread 4 KiB, depth 32, unix socket", "--rw=randread --bs=4k --iodepth=32", False),
]

# A bench that is told to stop takes its servers and its files with it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


class Server:
    """One server process: a command with {port}, {socket} and {dir} in it, and the export's name."""

    def __init__(self, name, command, export, work, span=SPAN, prepare=None):
        self.name, self.command, self.export, self.span, self.prepare = name, command, export, span, prepare
        self.dir = work / name
        self.dir.mkdir()
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.socket = self.dir / "s"
        self.socket.unlink(missing_ok=True)
        if self.prepare:
            subprocess.run(self.prepare.format(dir=self.dir), shell=True, check=True, stdout=subprocess.DEVNULL)
            self.prepare = None
        command = self.command.format(port=self.port, socket=self.socket, dir=self.dir)
        self.log = open(self.dir / "log", "a")
        self.process = subprocess.Popen(["bash", "-c", "exec " + command], stdout=self.log, stderr=self.log)
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit(f"{self.name} did not start:\n" + (self.dir / "log").read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def warm_up(self):
        """What a JVM that has just begun needs before it is measured."""
        for arguments in ("--rw=randrw --bs=4k --iodepth=16", "--rw=randrw --bs=4k --iodepth=1", "--rw=rw --bs=1m --iodepth=4"):
            self.fio(arguments, WARM_UP_SECONDS / 3)

    def usage(self):
        """Seconds of processor time, and the largest resident size in MiB."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return (int(fields[11]) + int(fields[12])) / TICKS, int(re.search(r"VmHWM:\s*(\d+)", status).group(1)) / 1024

    def fio(self, arguments, seconds, unix=False, exports=None):
        """fio's figures, or None and its words on stderr: a job for each export, for so long or once over the span."""
        where = f"nbd+unix:///{{}}?socket={self.socket}" if unix else f"nbd://127.0.0.1:{self.port}/{{}}"
        timed = ["--time_based", f"--runtime={seconds}"] if seconds else []
        jobs = [part for export in exports or [self.export] for part in ("--name=bench", "--ioengine=nbd",
                f"--uri={where.format(export)}", f"--size={self.span}", "--randrepeat=0", "--refill_buffers",
                "--group_reporting", *timed, *arguments.split())]
        cpu, _ = self.usage()
        done = subprocess.run(["fio", "--output-format=json", *jobs], capture_output=True, text=True, cwd=self.dir)
        if done.returncode != 0:
            print(f"{self.name}: fio {arguments} failed: {done.stderr or done.stdout}", file=sys.stderr, flush=True)
            return None
        job = json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]
        after, peak = self.usage()
        sides = [job[side] for side in ("read", "write", "trim") if job[side]["total_ios"]]
        ios = sum(side["total_ios"] for side in sides)
        return {
            "iops": sum(side["iops"] for side in sides),
            "mb_s": sum(side["bw_bytes"] for side in sides) / 1e6,
            "p50_us": max(side["clat_ns"]["percentile"]["50.000000"] for side in sides) / 1e3,
            "p999_us": max(side["clat_ns"]["percentile"]["99.900000"] for side in sides) / 1e3,
            "cpu_us_per_io": (after - cpu) / ios * 1e6,
            "fio_us_per_io": (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] * 1e3 / ios,
            "peak_mib": peak,
        }


def ours(name, store, work, root=ROOT, volumes=("bench:1G",), span=SPAN, prepare=None):
    created = " ".join(f"--create {volume}" for volume in volumes)
    return Server(name, f"{root}/tools/fdb-nbd serve --store {store} {created} {LISTEN}", "bench", work, span, prepare)


def ours_on(store, name, work, root=ROOT):
    """Ours on one of its stores, FoundationDB in a cluster of its own."""
    if store != "fdb":
        return ours(name, OURS[store], work, root)
    return ours(name, OURS[store], work, root, span=SPAN_FDB,
                prepare=f"{ROOT}/tools/fdb-cluster start {{dir}}/cluster --parent {os.getpid()}")


def build():
    """Builds what is not built, and fails where fio is missing."""
    if not shutil.which("fio"):
        sys.exit("fio is not installed: apt-get install fio")
    subprocess.run([ROOT / "tools/fdb-nbd", "--version"], check=True, stdout=subprocess.DEVNULL)


def machine(*tools):
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    versions = ", ".join(subprocess.run([tool, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
                         for tool in tools if shutil.which(tool))
    return (f"{os.cpu_count()} x {cpu.group(1) if cpu else '?'}, Linux {os.uname().release}, {versions}; commit "
            f"{commit.stdout.strip()}")
