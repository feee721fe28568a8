# image/: build/dist, what a release offers (DIST.TXT tells what is what). `make dist VERSION=1.0`.

DIST := $(BUILD)/dist
DIST_FILES := $(IMAGE) $(FLOPPY) $(CD) $(IMAGE_4K) $(KERNEL) $(UEFI_APPLICATIONS) $(SECTOR_IMAGES)

.PHONY: dist
dist: $(DIST_FILES) ## a release in build/dist: images, disks of virtual machines, checksums (VERSION=)
	@image/dist.sh $(DIST) '$(VERSION)' $(DIST_FILES)
	@printf 'dist: %s has bootllama %s\n' $(DIST) $(VERSION)
