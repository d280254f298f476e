"""A file system that forgets what was not synced, for tests of a power cut.

    forgetful.py BACKING MOUNTPOINT

What is written stays in memory until fsync or fdatasync; killing this process is the power cut, and BACKING
then holds what a disk would. Names (create, rename, remove) are durable at once. Needs mfusepy and /dev/fuse.
"""

import errno
import os
import sys

from mfusepy import FUSE, FuseOSError, Operations


class Forgetful(Operations):
    def __init__(self, backing):
        self.backing = backing
        self.data = {}

    def real(self, path):
        return os.path.join(self.backing, path.lstrip("/"))

    def content(self, path):
        if path not in self.data:
            with open(self.real(path), "rb") as file:
                self.data[path] = bytearray(file.read())
        return self.data[path]

    def getattr(self, path, fh=None):
        try:
            found = os.lstat(self.real(path))
        except FileNotFoundError:
            raise FuseOSError(errno.ENOENT)
        names = ("st_mode", "st_uid", "st_gid", "st_nlink", "st_size", "st_mtime", "st_atime", "st_ctime")
        attributes = {name: getattr(found, name) for name in names}
        if path in self.data:
            attributes["st_size"] = len(self.data[path])
        return attributes

    def readdir(self, path, fh):
        return [".", ".."] + os.listdir(self.real(path))

    def create(self, path, mode, fi=None):
        os.close(os.open(self.real(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        os.chmod(self.real(path), mode & 0o7777)
        self.data[path] = bytearray()
        return 0

    def open(self, path, flags):
        if not os.path.exists(self.real(path)):
            raise FuseOSError(errno.ENOENT)
        return 0

    def read(self, path, size, offset, fh):
        return bytes(self.content(path)[offset : offset + size])

    def write(self, path, data, offset, fh):
        content = self.content(path)
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data
        return len(data)

    def truncate(self, path, length, fh=None):
        content = self.content(path)
        del content[length:]
        content.extend(bytes(length - len(content)))

    def fsync(self, path, datasync, fh):
        if path in self.data:
            with open(self.real(path), "r+b") as file:
                file.write(self.data[path])
                file.truncate()
        return 0

    def unlink(self, path):
        self.data.pop(path, None)
        os.unlink(self.real(path))

    def rename(self, old, new):
        os.rename(self.real(old), self.real(new))
        self.data.pop(new, None)
        if old in self.data:
            self.data[new] = self.data.pop(old)

    def link(self, target, source):
        # As mfusepy passes them: the new name first.
        if source in self.data:
            self.data[target] = bytearray(self.data[source])
        os.link(self.real(source), self.real(target))

    def mkdir(self, path, mode):
        os.mkdir(self.real(path), mode)

    def rmdir(self, path):
        os.rmdir(self.real(path))

    def chmod(self, path, mode):
        os.chmod(self.real(path), mode & 0o7777)

    def chown(self, path, uid, gid):
        return 0

    def utimens(self, path, times=None):
        return 0

    def flush(self, path, fh):
        return 0

    def release(self, path, fh):
        return 0

    def fsyncdir(self, path, datasync, fh):
        return 0


if __name__ == "__main__":
    FUSE(Forgetful(sys.argv[1]), sys.argv[2], foreground=True, nothreads=True)
