"""Loaders of Linux kernels: QEMU's own, and CDs with GRUB or ISOLINUX that start bootllama.krn."""
import shutil
import subprocess
from pathlib import Path

from places import built

ISOLINUX = ["/usr/lib/ISOLINUX/isolinux.bin", "/usr/lib/syslinux/modules/bios/ldlinux.c32"]
KERNEL = built("bootllama.krn")


def direct(initrd=None, words="", kernel=KERNEL):
    """QEMU's options for a kernel with a command line, and perhaps an initrd."""
    return ["-kernel", kernel, *(["-initrd", initrd] if initrd else []), "-append", words]


def settings(**values):
    """A command line with these settings, whose story begins at once."""
    return " ".join(f'{key}="{value}"' if " " in str(value) else f"{key}={value}"
                    for key, value in ({"countdown": 0} | values).items())


def cdrom(image):
    return ["-drive", f"file={image},if=none,id=cd,media=cdrom,readonly=on", "-device", "ide-cd,drive=cd,bootindex=0"]


def _run(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def _files(folder, initrd):
    folder.mkdir()
    shutil.copy(KERNEL, folder)
    shutil.copy(initrd, folder / "model.gguf")
    return folder


def grub_cd(folder, commands, initrd):
    """A CD whose GRUB, for a BIOS, runs these commands; the files are /bootllama.krn and /model.gguf."""
    files = _files(folder / "files", initrd)
    (files / "boot/grub").mkdir(parents=True)
    (files / "boot/grub/grub.cfg").write_text("\n".join([*commands, "boot"]))
    _run("grub-mkrescue", "--directory=/usr/lib/grub/i386-pc", "-o", folder / "cd.iso", files)
    return cdrom(folder / "cd.iso")


def isolinux_cd(folder, words, initrd):
    """A CD whose ISOLINUX starts the kernel with the initrd and these words."""
    files = _files(folder / "files", initrd)
    for file in ISOLINUX:
        shutil.copy(file, files)
    (files / "isolinux.cfg").write_text(
        f"default x\nlabel x\n kernel bootllama.krn\n initrd model.gguf\n append {words}\n")
    _run("xorriso", "-as", "mkisofs", "-o", folder / "cd.iso", "-b", "isolinux.bin", "-c", "boot.cat", "-no-emul-boot",
         "-boot-load-size", 4, "-boot-info-table", files)
    return cdrom(folder / "cd.iso")


def grub_for_uefi(folder, commands, target="x86_64-efi"):
    """An application of UEFI: GRUB, which runs these commands."""
    (folder / "grub.cfg").write_text("\n".join([*commands, "boot"]))
    out = Path(folder) / "grub.efi"
    _run("grub-mkstandalone", "-O", target, "-o", out, f"boot/grub/grub.cfg={folder / 'grub.cfg'}")
    return out
