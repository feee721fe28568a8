# image/web/: build/web, a page that boots the stick's program and models in v86. Any file server can serve it:
# python3 -m http.server -d build/web

WEB := $(BUILD)/web
WEB_PACKAGES := $(BUILD)/node-v86

.PHONY: web
web: $(BUILD)/bios/boot.bin $(BUILD)/bios/stage2.bin $(MODEL_FILES) ## build/web, a page that boots a PC in a browser
	@image/web/packages.py $(WEB_PACKAGES) image/web/package.json
	@image/web/make-web.py $(WEB) $(WEB_PACKAGES)/node_modules/v86 $^
