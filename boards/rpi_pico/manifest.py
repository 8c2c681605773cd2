# Everything that runs is frozen: what CI tests is what the image holds.
freeze("$(PORT_DIR)/modules", ("_boot.py", "rp2.py"))
package("codec", base_path="../..")
package("drivers", base_path="../..")
package("firmware", base_path="../..")
package("mcu", base_path="../common")
package("board", base_path=".")
module("evse.py", base_path="../common")
module("main.py", base_path="../common")
