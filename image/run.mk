# image/: targets that use the built image.

.PHONY: run run-uefi run-uefi32 run-bios run-floppy run-cd run-krn usb size debug-uefi debug-uefi32 debug-bios \
    test-boot bench bench-boot bench-reading screenshots

export GUI MEMORY CPU ACCEL QEMU WORDS PEERS ONLY ROUNDS

run: run-uefi ## boot the image with UEFI firmware in QEMU (GUI=1: a window; MODEL=path.gguf: another model)

run-uefi: $(IMAGE) ## the same
	@image/qemu.sh uefi $<

run-uefi32: $(IMAGE) ## boot the image with 32-bit UEFI firmware in QEMU
	@image/qemu.sh uefi32 $<

run-bios: $(IMAGE) ## boot the image with legacy BIOS in QEMU
	@image/qemu.sh bios $<

run-floppy: $(FLOPPY) ## boot the floppy's image from a floppy drive, on a 486 with 4 MiB
	@CPU=$${CPU:-486} MEMORY=$${MEMORY:-4} image/qemu.sh floppy $<

run-cd: $(CD) ## boot the CD's image from a CD drive with legacy BIOS
	@image/qemu.sh cd $<

run-krn: $(KERNEL) $(MODEL_FILES) ## start bootllama.krn as a Linux kernel, the model as its initrd (WORDS='steps=50')
	@image/qemu.sh krn $< $(firstword $(MODEL_FILES))

debug-uefi: $(IMAGE) ## gdb at the first instruction of the UEFI application
	@image/debug.py uefi $(BUILD)

debug-uefi32: $(IMAGE) ## the same with 32-bit UEFI firmware
	@image/debug.py uefi32 $(BUILD)

debug-bios: $(IMAGE) ## gdb at the first instruction of the boot sector
	@image/debug.py bios $(BUILD)

test-boot: all ## only the tests that start a machine
	@BUILD=$(BUILD) test/run boot/

bench: $(BUILD)/host/bootllama $(MODEL_FILES) ## speed here, as ratios: PEERS=folder, ONLY="words"; build/bench.json
	@BUILD=$(BUILD) test/bench/bench.py $(BUILD)/bench.json $(wildcard $(MODEL_FILES))

bench-boot: $(IMAGE) ## speed of stories260K in QEMU: both firmwares, several processors; build/bench-boot.json
	@BUILD=$(BUILD) test/boot/bench.py $(BUILD)/bench-boot.json

bench-reading: $(IMAGE) $(BUILD)/test/efi/raw_read.efi ## speed of loading in QEMU beside the firmware's own reading
	@BUILD=$(BUILD) test/bench/reading.py $(BUILD)/bench-reading.json

usb: $(IMAGE) ## write the image to a stick: make usb DEV=/dev/sdX
	@image/usb.sh $< "$$DEV"

size: $(IMAGE) ## bytes of boot sector, stage 2, EFI applications and image
	@stat -c '%10s  %n' $(BUILD)/bios/boot.bin $(BUILD)/bios/stage2.bin $(UEFI_APPLICATIONS) $(IMAGE)

screenshots: $(IMAGE) web ## take the pictures of README.md again
	@test/boot/screenshots.py docs
	@test/web/screenshots.py docs
