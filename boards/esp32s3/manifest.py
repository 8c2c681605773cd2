# Everything that runs is frozen: what CI tests is what the image holds. `boards/common` as on every
# controller board.
freeze("$(PORT_DIR)/modules", ("_boot.py", "flashbdev.py", "inisetup.py"))  # what the port starts with: the file system
package("codec", base_path="../..")
package("drivers", base_path="../..")
package("firmware", base_path="../..")
package("mcu", base_path="../common")
package("board", base_path=".")
module("evse.py", base_path="../common")
module("update.py", base_path="../common")
module("main.py", base_path="../common")
