print("mqbench")
